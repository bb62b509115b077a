"""What may be used once: the nonces of buttons and of signed links."""

from django.db import models


class UsedNonce(models.Model):
    """A nonce that was used; a second use finds it here."""

    nonce = models.CharField(max_length=128, primary_key=True)
    used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce
