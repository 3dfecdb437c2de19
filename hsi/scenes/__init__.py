"""Where scenes come from: files of any format, published, generated, your own."""
