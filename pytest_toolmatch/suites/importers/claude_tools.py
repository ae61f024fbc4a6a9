"""The tools that come with Claude Code: their arguments as of versions 1.0 to 2.1, which its logs do not hold.

Only what all these versions have in common is required, and nothing is forbidden: what a session did is never held
against it. The descriptions are ours, not those that models are shown; ``--tools`` wins over this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from types import MappingProxyType
from typing import Any

from pytest_toolmatch.core.tool import Effect, Tool

_TYPES = MappingProxyType({"s": "string", "i": "integer", "n": "number", "b": "boolean", "o": "object"})

_TABLE: MappingProxyType[str, tuple[Effect, str, str]] = MappingProxyType(
    {
        "Agent": (
            "write",
            "Give a task to a subagent and return its report.",
            "prompt:s! description:s subagent_type:s model:s name:s isolation:s run_in_background:b resume:s",
        ),
        "AskUserQuestion": (
            "read",
            "Ask the user questions with options to choose from.",
            "questions:o* question:s answers:o",
        ),
        "Bash": (
            "write",
            "Run a command in a shell; the timeout is in milliseconds.",
            "command:s! description:s timeout:n run_in_background:b",
        ),
        "BashOutput": ("read", "Return what a command in the background has printed since.", "bash_id:s! filter:s"),
        "Edit": (
            "write",
            "Replace an exact text in a file by another.",
            "file_path:s! old_string:s! new_string:s! replace_all:b",
        ),
        "EnterPlanMode": ("read", "Plan before anything is changed.", ""),
        "ExitPlanMode": ("read", "Show the plan to the user and ask to go ahead.", "plan:s allowedPrompts:o*"),
        "Glob": ("read", "Find files by a pattern of their paths.", "pattern:s! path:s"),
        "Grep": (
            "read",
            "Search files by a regular expression.",
            (
                "pattern:s! path:s glob:s type:s output_mode:content|files_with_matches|count"
                " -A:n -B:n -C:n -i:b -n:b multiline:b head_limit:n offset:n"
            ),
        ),
        "KillShell": ("write", "End a command in the background.", "shell_id:s!"),
        "LS": ("read", "List a directory.", "path:s! ignore:s*"),
        "ListMcpResourcesTool": ("read", "List the resources of MCP servers.", "server:s"),
        "MultiEdit": ("write", "Make several replacements in one file.", "file_path:s! edits:o*!"),
        "NotebookEdit": (
            "write",
            "Replace, insert or delete a cell of a notebook.",
            "notebook_path:s! new_source:s! cell_id:s cell_type:code|markdown edit_mode:replace|insert|delete",
        ),
        "NotebookRead": ("read", "Read a notebook, or one of its cells.", "notebook_path:s! cell_id:s"),
        "Read": ("read", "Read a file, or some lines of it.", "file_path:s! offset:n limit:n pages:s"),
        "ReadMcpResourceTool": ("read", "Read a resource of an MCP server.", "server:s! uri:s!"),
        "SendMessage": (
            "write",
            "Send a message to another agent.",
            "to:s recipient:s type:s summary:s message:so content:s",
        ),
        "Skill": ("read", "Load a skill.", "skill:s command:s args:s"),
        "SlashCommand": ("write", "Run a slash command.", "command:s!"),
        "TaskCreate": ("write", "Add a task to the list.", "subject:s! description:s activeForm:s metadata:o"),
        "TaskGet": ("read", "Show a task of the list.", "taskId:s!"),
        "TaskList": ("read", "Show the list of tasks.", ""),
        "TaskOutput": ("read", "Return what a task in the background came to.", "task_id:s! block:b timeout:n"),
        "TaskStop": ("write", "End a task in the background.", "task_id:s shell_id:s"),
        "TaskUpdate": (
            "write",
            "Change a task of the list.",
            "taskId:s! status:s subject:s description:s activeForm:s owner:s addBlocks:s* addBlockedBy:s* metadata:o",
        ),
        "TodoRead": ("read", "Show the list of things to do.", ""),
        "TodoWrite": ("write", "Write the list of things to do anew.", "todos:o*!"),
        "ToolSearch": ("read", "Find tools that are not loaded yet.", "query:s! max_results:n"),
        "WebFetch": ("read", "Fetch a page and answer a question about it.", "url:s! prompt:s!"),
        "WebSearch": ("read", "Search the web.", "query:s! allowed_domains:s* blocked_domains:s*"),
        "Write": ("write", "Write a file, over whatever it held.", "file_path:s! content:s!"),
    }
)
"""Name → effect, what it does, and its arguments: ``name:type``, with ``*`` for a list and ``!`` where required."""

RENAMED = MappingProxyType(
    {
        "Task": "Agent",
        "KillBash": "KillShell",
        "exit_plan_mode": "ExitPlanMode",
        "AgentOutputTool": "TaskOutput",
    }
)
"""Name in older versions → the later one."""


@cache
def known_tool(name: str) -> Tool:
    """Return a tool of Claude Code; one that is not known has nothing but its name."""
    if RENAMED.get(name, name) not in _TABLE:
        return Tool(name=name)
    effect, description, arguments = _TABLE[RENAMED.get(name, name)]
    fields = dict(argument.split(":") for argument in arguments.split())
    parameters = {
        "type": "object",
        "properties": {field: _schema(form.removesuffix("!")) for field, form in fields.items()},
        "required": [field for field, form in fields.items() if form.endswith("!")],
    }
    return Tool(name=name, description=description, parameters=parameters, effect=effect)


def _schema(form: str) -> dict[str, Any]:
    if form.endswith("*"):
        return {"type": "array", "items": _schema(form[:-1])}
    if "|" in form:
        return {"type": "string", "enum": form.split("|")}
    types = [_TYPES[letter] for letter in form]
    return {"type": types if len(types) > 1 else types[0]}


def renamed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names, older and newer, that may be of one tool: known ones, and servers called otherwise."""
    called = list(names)
    yield from ((old, new) for old, new in RENAMED.items() if old in called and new in called)
    servers = [name for name in called if name.startswith("mcp__")]
    for place, old in enumerate(servers):
        tail = old.rpartition("__")[2]
        yield from ((old, new) for new in servers[place + 1 :] if new.rpartition("__")[2] == tail)
