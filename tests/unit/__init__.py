"""The pure core, one module at a time: examples that tell a story, and properties against independent oracles."""
