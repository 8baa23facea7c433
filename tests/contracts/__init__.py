"""What every driver and every adapter must do, as test classes to subclass.

They need osiris and pytest only, so a third party's package can use them for its own components:
subclass, give the few attributes the class asks for, and let pytest collect it.
"""
