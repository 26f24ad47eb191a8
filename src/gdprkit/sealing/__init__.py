"""Sealed fields: envelopes, the keys of a person, root keys, blind indexes.

The only cryptography of the library, and only that of pyca ``cryptography``. Nothing is imported
here: ``envelope``, ``keys``, ``index`` and ``providers`` load ciphers, the other modules do not.
"""
