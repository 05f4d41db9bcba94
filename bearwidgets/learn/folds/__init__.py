"""Cross-validation: folds that keep duplicates together, and what comes out of them."""
