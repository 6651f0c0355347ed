"""What an evaluation is made of: tasks here, the other nouns in the packages below."""

from tasks_lib.task import Epochs, Task, TaskInfo, Tasks, list_tasks, task, task_with

__all__ = [
    "Epochs",
    "Task",
    "TaskInfo",
    "Tasks",
    "list_tasks",
    "task",
    "task_with",
]
