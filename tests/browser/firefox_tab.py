"""A tab of Firefox as a person uses it: what is seen, pressed, typed, chosen."""

import base64
import json
import time
from pathlib import Path
from typing import Any

from tests.browser.firefox import PATIENCE, Wire, WireError

_LOOK = 0.05
_GONE = ("move target out of bounds", "no such node")


class Tab:
    """One tab of a person of their own: no storage is shared with another one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._user = wire("browser.createUserContext")["userContext"]
        made = wire("browsingContext.create", type="tab", userContext=self._user)
        self.context: str = made["context"]

    def close(self) -> None:
        """Close it, and forget its storage."""
        self._wire("browser.removeUserContext", userContext=self._user)

    def before(self, script: str) -> None:
        """Run this in every page of the tab before the page's own scripts."""
        self._wire(
            "script.addPreloadScript",
            functionDeclaration=f"() => {{ {script} }}",
            contexts=[self.context],
        )

    def size(self, width: int, height: int) -> None:
        """How large the page is shown."""
        self._wire(
            "browsingContext.setViewport",
            context=self.context,
            viewport={"width": width, "height": height},
        )

    def open(self, address: str) -> None:
        """Go somewhere, and wait until it is loaded."""
        self._wire("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def reload(self) -> None:
        """Load the page anew."""
        self._wire("browsingContext.reload", context=self.context, wait="complete")

    def see(self, script: str) -> Any:
        """What an expression of the page's gives, as JSON carries it."""
        answer = self._wire(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})) ?? 'null')()",
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise AssertionError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def until(self, script: str, wanted: object = True) -> None:  # noqa: FBT002 # most are questions
        """Wait until an expression gives this."""
        end = time.monotonic() + PATIENCE
        while (seen := self.see(script)) != wanted:
            if time.monotonic() > end:
                raise AssertionError(f"{script}: {seen!r} is not {wanted!r}")
            time.sleep(_LOOK)

    def text(self, selector: str) -> str:
        """The text that people see in an element."""
        found: str = self.see(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")
        return found

    def counts(self, selector: str, number: int) -> None:
        """Wait until so many elements are there."""
        self.until(f"document.querySelectorAll({json.dumps(selector)}).length", number)

    def says(self, selector: str, words: str) -> None:
        """Wait until an element's text has these words."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(f"{found}?.innerText.includes({json.dumps(words)}) ?? false")

    def click(self, role: str, name: str) -> None:
        """Press what has this role and name, as a pointer does; waits until it is there."""
        self._press({"type": "accessibility", "value": {"role": role, "name": name}})

    def click_on(self, selector: str) -> None:
        """Press what a selector finds first."""
        self._press({"type": "css", "value": selector})

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list."""
        self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        self.see(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)}); "
            f"list.value = {json.dumps(value)}; "
            "list.dispatchEvent(new Event('input', { bubbles: true })); "
            "list.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )

    def type(self, selector: str, words: str) -> None:
        """Empty a field and type, key by key."""
        self.click_on(selector)
        self.see(f"document.querySelector({json.dumps(selector)}).select()")
        keys = [
            {"type": kind, "value": letter} for letter in words for kind in ("keyDown", "keyUp")
        ]
        self._act({"type": "key", "id": "keys", "actions": keys})

    def tick(self, selector: str) -> None:
        """Tick a box by the space bar: a press right after typing may go to a field's suggestions."""
        self._found({"type": "css", "value": selector})
        box = f"document.querySelector({json.dumps(selector)})"
        self.see(f"{box}.focus()")
        keys = [{"type": kind, "value": " "} for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": keys})
        self.until(f"{box}.checked")

    def picture(self, path: Path) -> None:
        """Keep what is seen."""
        shown = self._wire("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(base64.b64decode(shown["data"]))

    def _found(self, locator: dict[str, Any]) -> dict[str, str]:
        end = time.monotonic() + PATIENCE
        while True:
            nodes = self._wire(
                "browsingContext.locateNodes", context=self.context, locator=locator
            )["nodes"]
            if nodes:
                return {"sharedId": nodes[0]["sharedId"]}
            if time.monotonic() > end:
                raise AssertionError(f"not found: {locator['value']}")
            time.sleep(_LOOK)

    def _press(self, locator: dict[str, Any]) -> None:
        """What a page has just drawn anew is gone before it is pressed: then it is looked for again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._press_on(self._found(locator))
            except WireError as error:
                # The pointer moves first: nothing was pressed.
                if error.kind not in _GONE or time.monotonic() > end:
                    raise
                time.sleep(_LOOK)

    def _press_on(self, element: dict[str, str]) -> None:
        self._wire(
            "script.callFunction",
            functionDeclaration="(each) => each.scrollIntoView({ block: 'center', behavior: 'instant' })",
            arguments=[element],
            target={"context": self.context},
            awaitPromise=False,
        )
        origin = {"type": "element", "element": element}
        pointer = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": pointer})

    def _act(self, source: dict[str, Any]) -> None:
        self._wire("input.performActions", context=self.context, actions=[source])
