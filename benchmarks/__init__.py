"""Speed and accuracy of fastcalc beside pure NumPy and its peers; see README.md."""
