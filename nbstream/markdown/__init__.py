from nbstream.markdown.dialect import render
