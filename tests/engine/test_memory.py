import ctypes
import platform

from hsi.engine import memory


def test_what_is_free_is_given_back_where_the_c_library_can(monkeypatch):
    assert (memory._trim() is not None) == (platform.libc_ver()[0] == "glibc")
    asked = []
    monkeypatch.setattr(memory, "_trim", lambda: asked.append)
    memory.give_back()
    assert asked == [0]  # keep nothing
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()


def test_another_c_library_is_left_alone(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    memory._trim.cache_clear()
    try:
        assert memory._trim() is None
        monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
        memory._trim.cache_clear()
        assert memory._trim() is None
    finally:
        memory._trim.cache_clear()
