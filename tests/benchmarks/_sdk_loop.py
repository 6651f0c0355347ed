"""The same requests in a bare loop over the openai SDK: the most that a process can do."""

from __future__ import annotations

import asyncio

from openai import AsyncOpenAI, DefaultAioHttpClient

from tests.benchmarks._measure import (
    HTTP_MODEL,
    QUESTION,
    SYSTEM_MESSAGE,
    Job,
    measure,
    read_job,
)


async def ask(job: Job, samples: int) -> None:
    """Ask all questions over as many connections as `job` has; answers are dropped."""
    numbers = iter(range(samples))
    transport = DefaultAioHttpClient() if job.aiohttp else None
    async with AsyncOpenAI(base_url=job.base_url, http_client=transport) as client:

        async def worker() -> None:
            for number in numbers:
                await client.chat.completions.create(
                    model=HTTP_MODEL,
                    messages=[
                        {"role": "system", "content": SYSTEM_MESSAGE},
                        {"role": "user", "content": QUESTION.format(number=number)},
                    ],
                )

        async with asyncio.TaskGroup() as group:
            for _ in range(job.connections):
                group.create_task(worker())


if __name__ == "__main__":
    the_job = read_job()
    measure(lambda samples, _: asyncio.run(ask(the_job, samples)))
