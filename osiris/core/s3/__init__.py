"""A small client of S3-compatible stores: list, get whole, put whole or not at all.

Standard library only, so that the host and every sandbox have it. Why none of the libraries:
pyarrow's S3FileSystem cannot abort an upload (letting go of a half written stream completes it),
tells errors as text only and does not say which state of an object it reads; s3fs and boto3 bring
15 MB of packages and half a second of start-up into every sandbox. The protocol: Amazon S3 API
Reference, https://docs.aws.amazon.com/AmazonS3/latest/API/.
"""
