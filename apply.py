import re
open('docs/decisions/0016-a-labelled-value-is-read-by-its-label.md','w').write('''# 16. A labelled value is read by its label, in a process of its own

## Context

Stata and SPSS files hold numbers, and beside them labels that say what the numbers mean. A codebook
has codes of its own. The same number can mean one thing in the file and another in the codebook: 1 is
*Female* in one office and *Male* in the next.

The library that reads these files is written in C. Damaged files made it end the process that called
it, which no Python code can catch.

## Decision

The label decides where the codebook knows it, as a code or as the label of one code alone. Where it
does not, the number itself is read, as any text is; where the codebook gives that number another label,
a note says so. Missing codes and recodes apply to labels and to numbers alike.

Tables are written by the same rule, so that they come back as they were: whole numbers with the
printed labels, unless such a label is another value's code; anything else as a number whose label is the
code.

Another process reads these files and hands over texts. If it is lost, the file is told to be damaged.

## Consequence

Reading a Stata or SPSS file costs about half a CPU second more. Names that are cut for Stata are found
again where they can be one variable's only.
''')
p='docs/decisions/index.md'; s=open(p).read()
lines=s.splitlines(keepends=True)
k=next(i for i,l in enumerate(lines) if re.match(r"(1[7-9]|[2-9]\d)\. ",l))
lines.insert(k,"16. [A labelled value is read by its label, in a process of its own](0016-a-labelled-value-is-read-by-its-label.md)\n")
open(p,'w').write("".join(lines))
p='mkdocs.yml'; s=open(p).read()
lines=s.splitlines(keepends=True)
k=next(i for i,l in enumerate(lines) if (m:=re.search(r"decisions/00(\d\d)-",l)) and int(m[1])>16)
lines.insert(k,"      - decisions/0016-a-labelled-value-is-read-by-its-label.md\n")
open(p,'w').write("".join(lines))
p='tests/unit/test_exchange.py'; s=open(p).read()
a='"""The children of elements in the order that the schema of DDI-Codebook 2.5 demands."""\n'
assert a in s
s=s.replace(a,'''"""The children of elements in the order that the schema of DDI-Codebook 2.5 demands.

The source is codebook.xsd of the DDI Alliance, version 2.5 of 2012-01-17: its types `stdyDscrType`,
`stdyInfoType`, `valrngType` and `varType`, with the latter's attributes, were compared by eye. The
schema is under the LGPL and is no part of the project.
"""
''')
open(p,'w').write(s)
