"""The scorer `math`.

`_scorer` says what it promises; `_judge` gives the verdict, of what `_answer` finds in an output.
Text and plain numbers are compared there. Formulas go to processes of their own (`_pool`,
`_worker`), which read (`_notation`, `_parse`) and compare them (`_compare`, `_equal`).
"""
