"""Firefox for tests, without a driver: Marionette, the protocol that it speaks itself.

A message is its length, a colon, and a JSON list: [0, number, command, parameters] to the browser,
[1, number, error, result] from it.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
#: PATIENCE: seconds for the browser to come up, or to answer.
PATIENCE = 120.0


class Firefox:
    """A session."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.number = 0
        self.received = b""
        self._read()  # it says who it is
        self.ask("WebDriver:NewSession", {"pageLoadStrategy": "normal"})

    def _read(self) -> Any:
        while b":" not in self.received:
            self.received += self.connection.recv(65536)
        length, _, rest = self.received.partition(b":")
        while len(rest) < int(length):
            rest += self.connection.recv(65536)
        self.received = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def ask(self, command: str, parameters: dict[str, Any]) -> Any:
        """Send a command and return its result."""
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.connection.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def open(self, address: str) -> None:
        """Open a page and wait until it is loaded."""
        self.ask("WebDriver:Navigate", {"url": address})

    def run(self, script: str, *values: Any) -> Any:
        """Run a script in the page; `arguments` are the values; return what it returns."""
        asked = {"script": script, "args": list(values)}
        return self.ask("WebDriver:ExecuteScript", asked)["value"]

    def wait(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"return Boolean({expression});"):
            assert time.monotonic() < end, f"not within {PATIENCE} s: {expression}"
            time.sleep(0.1)

    def press(self, key: str) -> None:
        """Press a key and let it go; special keys by their code points of WebDriver."""
        steps = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        keyboard = {"type": "key", "id": "keyboard", "actions": steps}
        self.ask("WebDriver:PerformActions", {"actions": [keyboard]})

    def errors(self) -> list[str]:
        """Return what went wrong in pages from disk, as the browser's console has it."""
        script = """return Services.console.getMessageArray()
            .filter((it) => it instanceof Ci.nsIScriptError && !(it.flags & it.warningFlag))
            .filter((it) => it.sourceName.startsWith("file:") || it.sourceName.startsWith("blob:"))
            .map((it) => `${it.sourceName}:${it.lineNumber}: ${it.errorMessage}`);"""
        self.ask("Marionette:SetContext", {"value": "chrome"})
        found = list(self.run(script))
        self.ask("Marionette:SetContext", {"value": "content"})
        return found


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start a browser with a profile of its own in a folder, and end it afterwards."""
    assert FIREFOX is not None
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port = it.getsockname()[1]
    (folder / "user.js").write_text(
        f'user_pref("marionette.port", {port});\n'
        'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
        'user_pref("app.update.disabledForTesting", true);\n'
        'user_pref("browser.shell.checkDefaultBrowser", false);\n'
    )
    process = subprocess.Popen(
        [
            FIREFOX, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote",
            "--profile", str(folder),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"MOZ_HEADLESS": "1", "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                break
            except OSError:
                assert process.poll() is None, "Firefox ended at once"
                assert time.monotonic() < end, f"Firefox did not come up in {PATIENCE} s"
                time.sleep(0.2)
        with connection:
            yield Firefox(connection)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()
