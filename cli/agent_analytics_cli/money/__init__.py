"""The user's files of plans, budgets and invoices, survey answers, and what marts say of them."""
