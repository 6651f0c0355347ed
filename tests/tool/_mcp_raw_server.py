"""A server of tools without any package, as servers of earlier versions are, or broken ones.

It does what the first argument says, and speaks JSON-RPC over its pipes.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_ids = itertools.count(1000)

_ODD_SCHEMA = {
    "type": "object",
    "properties": {
        "anything": True,
        "pair": {"type": "array", "items": [{"type": "string"}, {"type": "number"}]},
        "place": {"$ref": "#/$defs/Place"},
        "size": {"type": ["integer", "null"], "minimum": 0, "description": "How large."},
    },
    "required": ["place"],
    "$defs": {"Place": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}

_NAMED = ["read_file", "read_link", "files.write"]
_calls = itertools.count(1)

_ODD_CONTENT = [
    {"type": "text", "text": "one"},
    {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
    {"type": "resource_link", "uri": "file:///a.txt", "name": "a", "description": "The first."},
    {"type": "resource", "resource": {"uri": "file:///b.txt", "text": "two"}},
    {
        "type": "resource",
        "resource": {"uri": "file:///c.pdf", "mimeType": "application/pdf", "blob": "JVBERg=="},
    },
]

_RESULTS = {
    "odd": {"content": _ODD_CONTENT},
    "structured": {"content": [], "structuredContent": {"a": [1]}},
    "empty": {"content": []},
    "silent-error": {"content": [], "isError": True},
    "invalid": {"content": "nothing"},
}


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def read() -> Any:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def tools(mode: str, params: Any) -> Any:
    if mode == "changing":
        name = f"do{next(_calls)}"
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}}]}
    if mode == "odd":
        return {"tools": [{"name": "odd", "inputSchema": _ODD_SCHEMA}]}
    if mode == "pages":
        number = int((params or {}).get("cursor") or 0)
        page = {"tools": [{"name": _NAMED[number], "inputSchema": {"type": "object"}}]}
        return {**page, "nextCursor": str(number + 1)} if number < 2 else page
    if mode == "endless":
        return {"tools": [], "nextCursor": "again"}
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"tools": [{"name": "do", "title": "Do it.", "inputSchema": schema}]}


def call(mode: str, id: Any, arguments: Any) -> None:
    if mode in _RESULTS:
        send(id=id, result=_RESULTS[mode])
    elif mode == "refuse":
        send(id=id, error={"code": -32602, "message": "not like this"})
    elif mode == "die":
        print("out of memory", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif mode.startswith("ask"):
        answer = asked(arguments["text"])
        if mode == "ask or fail" and "code" in answer:
            send(id=id, error={"code": -32603, "message": "nobody answers"})
        else:
            send(id=id, result=text_result(json.dumps(answer)))
    elif mode != "hang":
        if mode == "changing":
            send(method="notifications/tools/list_changed")
        send(id=id, result=text_result(f"{os.getpid()}: {next(_calls)} {arguments.get('text')}"))


def asked(text: str) -> Any:
    """Return what the model says to a text, or why it says nothing."""
    message = {"role": "user", "content": {"type": "text", "text": text}}
    params = {"messages": [message], "maxTokens": 5, "stopSequences": ["."], "temperature": 0.5}
    send(id=next(_ids), method="sampling/createMessage", params=params)
    answer = read()
    return answer.get("result") or answer["error"]


def text_result(text: str) -> Any:
    return {"content": [{"type": "text", "text": text}]}


def main(mode: str) -> None:
    if mode == "die-at-once":
        print("no such database\nset DATABASE", file=sys.stderr)
        sys.exit(3)
    if mode == "garbage":
        print("Welcome!", flush=True)
    while True:
        message = read()
        method, id = message["method"], message.get("id")
        if mode == "hang-at-once":
            continue
        if method == "initialize":
            version = message["params"]["protocolVersion"]
            info = {"name": "raw", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {}, "serverInfo": info}
            send(id=id, result=result)
        elif method == "tools/list":
            send(id=id, result=tools(mode, message.get("params")))
        elif method == "tools/call":
            call(mode, id, message["params"].get("arguments") or {})
        elif id is not None:
            send(id=id, error={"code": -32601, "message": f"no {method}"})


def tell(path: str, *pids: int) -> None:
    """Write numbers of processes to a file that is there at once or not at all."""
    Path(f"{path}.partial").write_text(" ".join(map(str, pids)))
    Path(f"{path}.partial").rename(path)


def stay(path: str) -> None:
    """Stay when the pipe is closed, with a child."""
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    tell(path, os.getpid(), child.pid)
    try:
        main("")
    finally:
        time.sleep(60)


if __name__ == "__main__":
    mode, *files = sys.argv[1:]
    if mode == "stubborn":
        stay(*files)
    for file in files:
        tell(file, os.getpid())
    main(mode)
