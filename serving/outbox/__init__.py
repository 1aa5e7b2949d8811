"""What was decided and what is to be sent, in the database of the inbox: one transaction covers all of it."""
