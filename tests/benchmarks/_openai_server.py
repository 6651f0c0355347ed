"""A chat-completions server on loopback that answers everything alike, after a delay.

Run as a process of its own, it prints its port and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import time

from aiohttp import web

ANSWER = "Default output from mockllm/model"


def make_app(latency_s: float) -> web.Application:
    """Return the server; every answer takes `latency_s`."""
    body = json.dumps(
        {
            "id": "chatcmpl-benchmark",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "gpt-4o-mini",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": ANSWER, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 25, "completion_tokens": 8, "total_tokens": 33},
        }
    ).encode()

    async def complete(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(latency_s)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    return app


def main() -> None:
    """Serve on a free port of 127.0.0.1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per answer")
    args = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    web.run_app(make_app(args.latency), sock=listener, access_log=None, print=None)


if __name__ == "__main__":
    main()
