"""Why a day, a session or a branch cost what it cost."""
