"""Floor 4: from intention and standing to the facts to record, or NotAllowed with every reason.

The modules here are the face: acts to record, and the questions and plans of the same subject.
"""
