"""Hand codebooks and tables to other programs, and take theirs over: one module for each format.

What a format has no word for is left out or said in prose, never bent into something else. What a
format cannot tell is written into a draft as a guess that says it is one; a variable's role in
privacy is left to be decided. The same codebook gives the same bytes, as nothing looks at a clock.
"""
