"""What the work on Lightkeeper needs beside tests: numbers, pictures, a soak, its own cost."""
