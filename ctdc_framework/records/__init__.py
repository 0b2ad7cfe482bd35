"""Tables of records and of counts, and the files that hold them."""
