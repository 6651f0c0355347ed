"""Evaluations as Prefect flows: `flows.eval.eval`, `flows.eval_set.eval_set`.

Nothing is exported here: a name would be both a module and a function.
"""
