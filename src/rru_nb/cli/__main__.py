"""`python -m rru_nb.cli`, as the command `rru-nb`."""

import sys

from . import main

sys.exit(main())
