"""What the bundle starts: the program itself."""

import sys

from lensgui.__main__ import main

sys.exit(main())
