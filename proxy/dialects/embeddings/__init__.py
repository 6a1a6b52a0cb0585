"""Texts → vectors, in four wire formats: OpenAI's (which many share), Gemini's, Cohere's and Bedrock's.

One module a format, each with the four functions of `hub.EmbedCodec`; `codecs.py` finds them by name.
"""
