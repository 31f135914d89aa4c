"""What is measured, with how to run it. Nothing here is a test, and nothing here is installed."""
