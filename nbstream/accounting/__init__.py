"""What requests take and cost: the ledger, prices, budgets, and the plan of what would be sent."""
