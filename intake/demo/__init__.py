"""The demo: a mailbox, an outgoing mail server and sample post, so that Intake can be tried with nothing to install.

It stands beside the application and refuses to be part of it: nothing outside the demo imports it, and no real
shop's mail passes through it.
"""
