"""The open files of one input: so many at most, the one used longest ago is closed for the next."""

from collections import OrderedDict

from whodid_agent.inputs.file.instance import Instance
from whodid_agent.inputs.file.reader import Bytes, open_bytes

MOST = 256


class Descriptors:
    """Opens and closes the files of instances."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Instance] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, instance: Instance, path: str) -> Bytes | None:
        """The instance's file; None: it was renamed since the scan, the next one will tell. Raises OSError."""
        if instance.file is None:
            instance.file = open_bytes(path)
            status = instance.file.stat()
            if (status.st_dev, status.st_ino) != instance.inode:
                self.close(instance)
                return None
        self._open[instance.key] = instance
        self._open.move_to_end(instance.key)
        while len(self._open) > MOST:
            idle = next(iter(self._open.values()))
            self.close(idle)
            idle.rest()
        return instance.file

    def close(self, instance: Instance) -> None:
        """Give back the instance's descriptor, if it has one."""
        self._open.pop(instance.key, None)
        if instance.file is not None:
            instance.file.close()
            instance.file = None

    def close_all(self) -> None:
        """Give back every descriptor."""
        for instance in list(self._open.values()):
            self.close(instance)
