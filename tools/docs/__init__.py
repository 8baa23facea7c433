"""The reference pages, written from the code; what the code does not say is not in them."""
