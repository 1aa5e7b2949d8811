"""What the fault tests of the dispatcher are made of."""
