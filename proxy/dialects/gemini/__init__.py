"""Google's generateContent, of the Gemini API and of Vertex AI (November 2026).

https://ai.google.dev/api/generate-content
"""
