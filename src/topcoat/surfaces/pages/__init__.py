"""How pages for people are made: their files, languages, visitors, forms and refusals; what they show is others'."""
