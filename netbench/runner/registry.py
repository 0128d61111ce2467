"""The measurement methods that plans can call: netbench's own, users', and those of installed packages."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from netbench.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.runner.calls import MethodCall
    from netbench.runner.context import MethodContext
    from netbench.runner.outcome import Summary
    from netbench.runner.places import Problems

__all__ = ("ENTRY_POINTS", "MeasurementMethod", "find_method", "measurement_method", "method_names")

#: Packages announce their methods under this group: ``MyMetric = "my_package:MyMetric"``.
ENTRY_POINTS = "netbench.measurement_methods"


@runtime_checkable
class MeasurementMethod(Protocol):
    """One instance of a measurement method, for users to implement.

    It is made without arguments at the first call with its identifier, and disposed of at its test's end. A class may
    also have a static method ``check(call, problems)``, which looks at the params before anything is started, notes
    what is wrong with ``problems.add(message, call.place, call.where)``, and returns what ``call.settings`` will be.
    """

    async def execute(self, call: MethodCall, context: MethodContext) -> Sequence[Summary]:
        """Do what a call asks for, and give what is to be reported.

        Raises:
            NetbenchError: It failed; the step fails with the message.
        """
        ...

    async def dispose(self) -> None:
        """Give back what is still held."""
        ...


Method = TypeVar("Method", bound="Callable[[], MeasurementMethod]")

_METHODS: dict[str, Callable[[], MeasurementMethod]] = {}


def measurement_method(name: str) -> Callable[[Method], Method]:
    """Add a measurement method that plans call by this name; the decorator of a class.

    Raises:
        InvalidArgumentError: The name is taken or empty, or what is decorated is no class with ``execute`` and
            ``dispose``.
    """
    if not str(name).strip():
        raise InvalidArgumentError("measurement_method(name)", name, "a name")

    def add(method: Method) -> Method:
        if not all(callable(getattr(method, part, None)) for part in ("execute", "dispose")):
            raise InvalidArgumentError("measurement_method()", method, "used on a class with execute() and dispose()")
        if _METHODS.setdefault(name, method) is not method:
            raise InvalidArgumentError("measurement_method(name)", name, "a name that no other method has")
        return method

    return add


def method_names() -> tuple[str, ...]:
    """List the methods that can be called."""
    installed = {point.name for point in entry_points(group=ENTRY_POINTS)}
    return tuple(sorted({*_METHODS, *installed}))


def find_method(name: str) -> Callable[[], MeasurementMethod] | None:
    """Give what makes an instance of a method; None for an unknown one."""
    if name not in _METHODS:
        for point in entry_points(group=ENTRY_POINTS, name=name):
            loaded = point.load()
            return _METHODS.setdefault(name, loaded)
    return _METHODS.get(name)


def check_call(call: MethodCall, problems: Problems) -> object:
    """Have a call's method look at its params; give what it makes of them."""
    try:
        check = getattr(find_method(call.method), "check", None)
        return None if check is None else check(call, problems)
    except Exception as error:  # noqa: BLE001 - a method is anybody's code
        message = f"the measurement method {call.method} cannot be used: {type(error).__name__}: {error}"
        problems.add(message, call.place, call.where)
        return None
