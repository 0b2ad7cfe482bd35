"""Made-up case records and the plan that compares five ways of publishing them."""
