"""Amazon Bedrock's Converse (November 2026).

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""
