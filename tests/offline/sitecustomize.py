"""No network. Python imports a module of this name at start-up from PYTHONPATH, so the block reaches the tests, their kernels and
all Python processes that those start. This machine (loopback, its own name, Unix sockets) stays open: kernels and gloo need it.
"""
import errno
import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
_own_addresses = set()              # what this machine's own host name resolved to


def _text(host):
    return host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host


def _is_local(host):
    """Does this host, a name or an address, stay on this machine?"""
    host = _text(host)
    if not host or host in ("localhost", socket.gethostname()) or host in _own_addresses:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _guard_method(name):
    """Wrap socket.socket.<name>, whose last argument is the address, a tuple (host, port, ...), if it takes one at all."""
    original = getattr(socket.socket, name)

    def guarded(self, *args):
        address = args[-1] if args else None
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        if inet and isinstance(address, tuple) and isinstance(address[-1], int) and not _is_local(address[0]):
            raise OSError(errno.ENETUNREACH, f"the tests run offline: no connection to {_text(address[0])}, port {address[1]}")
        return original(self, *args)
    setattr(socket.socket, name, guarded)


def _guard_lookup(name):
    """Wrap socket.<name>, whose first argument is a host."""
    original = getattr(socket, name)

    def guarded(host, *args, **options):
        if not _is_local(host):
            raise socket.gaierror(socket.EAI_NONAME, f"the tests run offline: {_text(host)} is not looked up")
        found = original(host, *args, **options)
        if name == "getaddrinfo" and _text(host) == socket.gethostname():
            _own_addresses.update(entry[4][0] for entry in found)
        return found
    setattr(socket, name, guarded)


def block():
    """Block the network in this process; a second call changes nothing."""
    if getattr(socket, "course_is_offline", False):
        return
    socket.course_is_offline = True
    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        _guard_method(name)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        _guard_lookup(name)


def _run_next_sitecustomize():
    """This file hides any other sitecustomize behind it on the path: run that one too."""
    others = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


block()
if __name__ == "sitecustomize":
    _run_next_sitecustomize()
