"""What every type of sandbox must do, whatever it is; each check gets a fresh sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tasks_lib.util import (
    OutputLimitExceededError,
    SandboxEnvironment,
    SandboxEnvironmentLimits,
)

Check = Callable[[SandboxEnvironment], Awaitable[None]]

TEXT = "über 😀\r\nwith\n\ttabs  \n"
BYTES = bytes(range(256)) * 3


async def _text_keeps_its_line_ends(box: SandboxEnvironment) -> None:
    await box.write_file("text.txt", TEXT)
    assert await box.read_file("text.txt") == TEXT
    assert await box.read_file("text.txt", text=False) == TEXT.encode()


async def _bytes(box: SandboxEnvironment) -> None:
    await box.write_file("a.bin", BYTES)
    assert await box.read_file("a.bin", text=False) == BYTES


async def _bytes_are_no_text(box: SandboxEnvironment) -> None:
    await box.write_file("a.bin", BYTES)
    with pytest.raises(UnicodeDecodeError):
        await box.read_file("a.bin")


async def _large(box: SandboxEnvironment) -> None:
    large = b"\xc3" * (30 * 1024**2)
    await box.write_file("large.bin", large)
    assert await box.read_file("large.bin", text=False) == large


async def _empty(box: SandboxEnvironment) -> None:
    await box.write_file("empty.txt", "")
    await box.write_file("empty.bin", b"")
    assert await box.read_file("empty.txt") == ""
    assert await box.read_file("empty.bin", text=False) == b""


async def _folders_are_made(box: SandboxEnvironment) -> None:
    await box.write_file("deep/down/a file.txt", "x")
    assert await box.read_file("deep/down/a file.txt") == "x"


async def _a_file_is_replaced(box: SandboxEnvironment) -> None:
    await box.write_file("a.txt", "a longer text")
    await box.write_file("a.txt", "short")
    assert await box.read_file("a.txt") == "short"


async def _missing_file(box: SandboxEnvironment) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        await box.read_file("missing.txt")


async def _folder_for_a_file(box: SandboxEnvironment) -> None:
    await box.exec(["mkdir", "folder"])
    with pytest.raises(IsADirectoryError, match="folder"):
        await box.read_file("folder")
    with pytest.raises(IsADirectoryError, match="folder"):
        await box.write_file("folder", "x")


async def _locked_files(box: SandboxEnvironment) -> None:
    if (await box.exec(["id", "-u"])).stdout.strip() == "0":
        return  # the superuser may do all
    await box.write_file("locked.txt", "x")
    await box.exec(["chmod", "000", "locked.txt"])
    with pytest.raises(PermissionError):
        await box.read_file("locked.txt")
    with pytest.raises(PermissionError):
        await box.write_file("locked.txt", "y")


async def _file_beyond_the_limit(box: SandboxEnvironment) -> None:
    size = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE
    await box.exec(["truncate", "-s", str(size + 1), "huge.bin"])
    with pytest.raises(OutputLimitExceededError, match="100 MiB") as caught:
        await box.read_file("huge.bin", text=False)
    assert caught.value.truncated_output is None


async def _outputs_and_status(box: SandboxEnvironment) -> None:
    result = await box.exec(["sh", "-c", "printf 'ö\\r\\n'; printf no >&2; exit 3"])
    assert (result.stdout, result.stderr) == ("ö\r\n", "no")
    assert (result.success, result.returncode) == (False, 3)
    assert (await box.exec(["true"])).success


async def _output_is_no_text(box: SandboxEnvironment) -> None:
    with pytest.raises(UnicodeDecodeError):
        await box.exec(["printf", "\\303"])


async def _input(box: SandboxEnvironment) -> None:
    assert (await box.exec(["cat"], input=TEXT)).stdout == TEXT
    assert (await box.exec(["wc", "-c"], input=BYTES * 1000)).stdout.strip() == "768000"
    assert (await box.exec(["cat"])).stdout == ""


async def _arguments_are_not_for_a_shell(box: SandboxEnvironment) -> None:
    assert (await box.exec(["echo", "$HOME", "a  b", "'", "*"])).stdout == "$HOME a  b ' *\n"


async def _variables(box: SandboxEnvironment) -> None:
    result = await box.exec(["sh", "-c", "echo $ONE-$TWO"], env={"ONE": "1", "TWO": "a b"})
    assert result.stdout == "1-a b\n"


async def _working_folders(box: SandboxEnvironment) -> None:
    await box.exec(["mkdir", "inner"])
    own = (await box.exec(["pwd", "-P"])).stdout.strip()
    assert (await box.exec(["pwd", "-P"], cwd="inner")).stdout == f"{own}/inner\n"
    assert (await box.exec(["pwd", "-P"], cwd="/")).stdout == "/\n"


async def _files_are_where_commands_run(box: SandboxEnvironment) -> None:
    await box.write_file("a.txt", "from us")
    result = await box.exec(["sh", "-c", "cat a.txt; printf 'from there' > b.txt"])
    assert result.stdout == "from us"
    assert await box.read_file("b.txt") == "from there"


async def _timeout_ends_all(box: SandboxEnvironment) -> None:
    with pytest.raises(TimeoutError):
        await box.exec(
            ["sh", "-c", "sleep 1.6 && touch late & wait"], timeout=1, timeout_retry=False
        )
    assert (await box.exec(["sh", "-c", "sleep 1; ls"])).stdout == ""


async def _output_beyond_the_limit(box: SandboxEnvironment) -> None:
    with pytest.raises(OutputLimitExceededError, match="10 MiB") as caught:
        await box.exec(["sh", "-c", "yes"])
    assert len(caught.value.truncated_output or "") == 10 * 1024**2
    half = SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE // 2
    result = await box.exec(["sh", "-c", f"yes | head -c {half}"])
    assert len(result.stdout) == half


async def _program_that_must_not_run(box: SandboxEnvironment) -> None:
    await box.write_file("program", "#!/bin/sh\necho no\n")
    with pytest.raises(PermissionError):
        await box.exec(["./program"])


CHECKS: dict[str, Check] = {
    name[1:].replace("_", " "): check for name, check in sorted(globals().items())
    if name.startswith("_") and name[1].isalpha() and callable(check)
}  # fmt: skip
"""The checks by what they say."""
