"""config.yaml: read strictly, every fault at once with file, line and mend."""

from watchman.config.load import load_config
from watchman.config.model import Config

__all__ = ["Config", "load_config"]
