"""What `imdb` and `hamlet` stand on: vocabularies, tables of words, reviews from a CSV, texts as arrays, the cache."""
