"""What data files hold, one module for each kind of file: each gives an Arrow table and no more.

A module knows how its kind is parsed and what is wrong with it; what columns and cells mean is
decided by others. What is wrong is told without the file's content, as a cell may be somebody's.
The libraries beneath are imported only when a file of their kind is met.
"""
