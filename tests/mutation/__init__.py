"""Do the tests bite? Takes the safety rules out of the code one by one, and mutates the modules that decide."""
