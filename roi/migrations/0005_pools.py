"""Benefit pools; their terms and members are written once."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portfolio.models.base

APPEND_ONLY = ("roi_poolterms", "roi_poolmember")


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0005_governance_guards"),
        ("roi", "0003_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "portfolio",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pools", to="portfolio.portfolio"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("portfolio", "name"), name="pool_name_once")],
            },
        ),
        migrations.CreateModel(
            name="PoolTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "monthly_cap",
                    portfolio.models.base.MoneyField(
                        decimal_places=6,
                        help_text="What all members together may claim in a month, in the reporting currency.",
                        max_digits=20,
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("pro_rata", "Pro rata"),
                            ("approval_order", "Approval order"),
                            ("shapley", "Shapley"),
                        ],
                        default="pro_rata",
                        max_length=16,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        help_text="The benefit that is capped. Empty: all benefits of the members.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.account",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portfolio.batch"
                    ),
                ),
                (
                    "pool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="terms", to="roi.pool"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "pool terms",
                "constraints": [
                    models.UniqueConstraint(fields=("pool", "batch"), name="pool_terms_once_a_batch"),
                    models.CheckConstraint(
                        condition=models.Q(("monthly_cap__gte", 0)), name="pool_cap_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PoolMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateField(help_text="First month whose claims are shared.")),
                (
                    "investment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pool_memberships",
                        to="portfolio.investment",
                    ),
                ),
                (
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="roi.poolterms"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("terms", "investment"), name="pool_member_once"),
                    models.CheckConstraint(
                        condition=models.Q(("since__day", 1)), name="pool_member_since_first_day"
                    ),
                ],
            },
        ),
        *(_guard(table) for table in APPEND_ONLY),
    ]
