"""`python -m rru_nb.cli`, as the command `rru-nb`."""

from . import main

raise SystemExit(main())
