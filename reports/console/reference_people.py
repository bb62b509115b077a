"""People in the admin site: who may sign in, and where messages reach them. For administrators."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portfolio.models import User

# Permissions come from membership; Django's groups give none here.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People and service accounts, for the installation's administrators."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = "User name, name or email"
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name")}),
        ("Where messages reach them", {"fields": ("email", "slack_id", "time_zone", "locale")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "password1", "password2")}),)

    @display(description="Name")  # type: ignore[untyped-decorator]
    def full_name(self, user: User) -> str:
        """Return first and last name."""
        return user.get_full_name() or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Show people to the installation's administrators only."""
        people: QuerySet[User] = super().get_queryset(request)
        return people if self._is_open(request) else people.none()

    @staticmethod
    def _is_open(request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """People are the installation's matter."""
        return self._is_open(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are the installation's matter."""
        return self._is_open(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People are the installation's matter."""
        return self._is_open(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Records name people for good; an account is disabled instead."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Keep the last door open: nobody disables or demotes the account they are using."""
        if change and obj == request.user and not (obj.is_active and obj.is_staff and obj.is_superuser):
            messages.error(request, "You cannot take your own access away; ask another administrator.")
            return
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
