"""Closed word lists.

Each word has one spelling in code, files and stored entries. The lists are GDPR's own words where
it has one; where it has none the word is explained beside it. Stored entries hold these spellings,
so a word is never renamed; new ones may be added.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn

from gdprkit.errors import InvalidValue, did_you_mean

__all__ = [
    "Activity",
    "Actor",
    "AdKind",
    "Channel",
    "CheckedList",
    "Circumstance",
    "ConsentMethod",
    "DataTag",
    "EndCause",
    "ErasureReason",
    "FieldKind",
    "FilingSystem",
    "IdentityCodeGround",
    "IdentityMethod",
    "IntakeChannel",
    "LegalBasis",
    "LetterItem",
    "MessagePart",
    "NoticeKind",
    "Occasion",
    "PurposeKind",
    "RecipientRole",
    "RefusalGround",
    "RestrictedUse",
    "RestrictionGround",
    "Right",
    "SourceKind",
    "SpecialGround",
    "StopKind",
    "SubjectKind",
    "Trigger",
]


class _Word(StrEnum):
    """A word of a closed list; what is no word of it is refused and not repeated."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        close = did_you_mean(value, cls) if isinstance(value, str) else None
        words = ", ".join(cls)
        raise InvalidValue(
            _listed(cls.__name__),
            "is no word of its list",
            f"did you mean {str(close)!r}?" if close else f"use one of {words}",
        )


def _listed(name: str) -> str:
    """Return a class name in words: ``SubjectKind`` is a subject kind."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


class LegalBasis(_Word):
    """GDPR Art. 6(1)(a)-(f)."""

    CONSENT = "consent"  # (a)
    CONTRACT = "contract"  # (b)
    LEGAL_OBLIGATION = "legal-obligation"  # (c)
    VITAL_INTERESTS = "vital-interests"  # (d)
    PUBLIC_TASK = "public-task"  # (e)
    LEGITIMATE_INTERESTS = "legitimate-interests"  # (f)


class SubjectKind(_Word):
    """Whose data: the kind decides which marketing row applies (R-307, R-308)."""

    CONSUMER = "consumer"
    COMPANY_CONTACT = "company-contact"  # contact person or decision-maker of an organisation
    GENERIC_ADDRESS = "generic-address"  # info@, switchboard: a legal person's address
    WEBSITE_VISITOR = "website-visitor"
    SOLE_TRADER = "sole-trader"  # treated as a natural person, R-308


class Channel(_Word):
    """Ways a marketing message can reach somebody (R-302, R-304, R-320)."""

    EMAIL = "email"
    SMS = "sms"  # also MMS and automated calls: same law
    PHONE = "phone"  # a call by a human
    POST = "post"  # addressed post
    ONLINE = "online"  # in-app and online advertising


class FieldKind(_Word):
    """What a field holds. The whitelist of the marketing register is by kind (R-404)."""

    NAME = "name"
    ORGANISATION = "organisation"
    ROLE = "role"
    EMAIL = "email"
    PHONE = "phone"
    POSTAL_ADDRESS = "postal-address"
    LANGUAGE = "language"
    PRODUCT_AREA = "product-area"  # of the past relation, coarse
    CUSTOMER_NUMBER = "customer-number"
    ORDER = "order"
    INVOICE = "invoice"
    PAYMENT = "payment"
    DEBT_COLLECTION = "debt-collection"
    CREDIT = "credit"
    INTEREST = "interest"
    PROFILE = "profile"
    FEEDBACK = "feedback"
    MESSAGE = "message"
    ATTACHMENT = "attachment"
    USAGE = "usage"
    COOKIE = "cookie"
    IP_ADDRESS = "ip-address"
    DEVICE = "device"
    MARKETING_CHOICE = "marketing-choice"  # prohibitions and consents as the register shows them
    BIRTH_DATE = "birth-date"
    IDENTITY_CODE = "identity-code"
    OTHER = "other"


class DataTag(_Word):
    """Marks that close doors whatever the kind of field (R-109 to R-112, R-119)."""

    SPECIAL = "special"  # GDPR Art. 9
    CRIMINAL = "criminal"  # GDPR Art. 10
    CREDIT = "credit"  # Credit Information Act 527/2007
    IDENTITY_CODE = "identity-code"  # DPA-FI s. 29
    CHILD = "child"
    THIRD_PERSON = "third-person"
    FREE_TEXT = "free-text"  # may contain anything, so it counts as possibly special


class PurposeKind(_Word):
    """What a purpose does with data that no contract needs (R-103)."""

    ANALYTICS = "analytics"
    PROFILING = "profiling"
    FRAUD_PREVENTION = "fraud-prevention"
    RESEARCH = "research"  # archiving, research or statistics under GDPR Art. 89(1)


class SpecialGround(_Word):
    """Exceptions that open special categories of data (GDPR Art. 9(2); R-109)."""

    EXPLICIT_CONSENT = "explicit-consent"  # (a); the only one for marketing
    EMPLOYMENT_LAW = "employment-law"  # (b)
    VITAL_INTERESTS = "vital-interests"  # (c)
    ASSOCIATION = "association"  # (d)
    MADE_PUBLIC = "made-public"  # (e), by the person
    LEGAL_CLAIMS = "legal-claims"  # (f)
    PUBLIC_INTEREST = "public-interest"  # (g)
    HEALTH_CARE = "health-care"  # (h)
    PUBLIC_HEALTH = "public-health"  # (i)
    RESEARCH = "research"  # (j)


class IdentityCodeGround(_Word):
    """Grounds for using a personal identity code (DPA-FI s. 29; R-111)."""

    LAW = "law"  # a law provides for it
    CONSENT = "consent"
    STATUTORY_TASK = "statutory-task"
    RIGHTS_AND_DUTIES = "rights-and-duties"  # of the person or the controller
    RESEARCH = "research"
    LISTED_BUSINESS = "listed-business"  # credit, debt collection, insurance, letting and the like


class FilingSystem(_Word):
    """Where a value lies (GDPR Art. 4(6)); each is sealed apart from the others (R-405)."""

    CUSTOMER = "customer"
    MARKETING = "marketing"  # the direct-marketing register
    ARCHIVE = "archive"  # statutory duties and claims only
    REQUESTS = "requests"  # the files of rights requests


class NoticeKind(_Word):
    """GDPR Art. 13 (from the person), Art. 14 (from elsewhere), 13(3)/14(4) (new purpose)."""

    DIRECT = "direct"
    INDIRECT = "indirect"
    NEW_PURPOSE = "new-purpose"


class ConsentMethod(_Word):
    """How a consent was expressed; ``is_affirmative`` splits what can be valid (R-202)."""

    CHECKBOX = "checkbox"
    DOUBLE_OPT_IN = "double-opt-in"
    WRITTEN = "written"
    ORAL = "oral"
    BUTTON = "button"
    IMPLIED_BY_USE = "implied-by-use"  # also scrolling, swiping, going on
    PRE_TICKED = "pre-ticked"
    SILENCE = "silence"  # also doing nothing, not opting out
    GENERAL_TERMS = "general-terms"
    BROWSER_SETTING = "browser-setting"

    @property
    def is_affirmative(self) -> bool:
        """Whether this is a statement or clear affirmative act (GDPR Art. 4(11), recital 32)."""
        return self in _AFFIRMATIVE


_AFFIRMATIVE = frozenset(
    {
        ConsentMethod.CHECKBOX,
        ConsentMethod.DOUBLE_OPT_IN,
        ConsentMethod.WRITTEN,
        ConsentMethod.ORAL,
        ConsentMethod.BUTTON,
    }
)


class Activity(_Word):
    """What a person did of their own accord (R-406); opening a mail is none of it."""

    ORDER = "order"
    REPLY = "reply"
    CLICK = "click"
    CONTACT = "contact"


class Actor(_Word):
    """Who acted."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"  # holder of parental responsibility, GDPR Art. 8
    AGENT = "agent"  # with authority
    THIRD_PERSON = "third-person"  # without: a stop is honoured all the same (0.3)
    COMPANY = "company"  # the organisation, ECSA s. 202
    CONTROLLER = "controller"


class EndCause(_Word):
    """Why a substantive connection ended (R-401)."""

    CONTRACT_END = "contract-end"
    LAST_DELIVERY = "last-delivery"
    WARRANTY_END = "warranty-end"
    INVOICE_SETTLED = "invoice-settled"
    CLAIM_CLOSED = "claim-closed"
    DORMANCY = "dormancy"
    TERMINATION = "termination"  # an explicit act
    INSOLVENCY = "insolvency"
    CONTACT_LEFT = "contact-left"
    DEATH = "death"  # a relation ends with the person


class Circumstance(_Word):
    """Things known about a person that close doors (R-403 T8, T11; R-415; R-417)."""

    DECEASED = "deceased"
    ADULT = "adult"  # of age, by word or by proof; unknown age never allows marketing to consumers
    MINOR = "minor"
    SAFETY_BAN = "safety-ban"  # turvakielto
    LEFT_ROLE = "left-role"  # the contact no longer works for the organisation
    ADDRESS_DEAD = "address-dead"  # mail bounces for good


class CheckedList(_Word):
    """Lists to be checked before marketing (R-312, R-315)."""

    SUPPRESSION = "suppression"  # our own
    ROBINSON_PHONE = "robinson-phone"
    ROBINSON_POST = "robinson-post"
    POPULATION_REGISTER = "population-register"  # the DVV direct-marketing ban


class AdKind(_Word):
    """What an advertisement online does (table M-OA of the marketing matrix)."""

    CONTEXTUAL = "contextual"  # the same for all: no identifiers, no access to the device
    DEVICE = "device"  # stores or reads something on the device (ECSA s. 205)
    PERSONALISED = "personalised"  # in a service with login, from first-party data only
    INBOX = "inbox"  # looks like a message, or is pushed: electronic mail
    AUDIENCE = "audience"  # addresses go to a platform, or retargeting elsewhere


class MessagePart(_Word):
    """What a message is made of; one part that promotes makes it marketing (R-301)."""

    PROMOTION = "promotion"
    NEWSLETTER = "newsletter"  # editorial content with a commercial aim
    WIN_BACK = "win-back"
    CONSENT_REQUEST = "consent-request"  # asking for consent to marketing
    PROMOTIONAL_SURVEY = "promotional-survey"
    CONFIRMATION = "confirmation"  # asks to confirm a consent requested by the person
    DELIVERY = "delivery"
    FAULT = "fault"
    SECURITY = "security"
    INVOICE = "invoice"
    CONTRACT = "contract"


class Occasion(_Word):
    """How a contact detail was obtained; only a sale opens the soft opt-in (R-303 b, R-322)."""

    SALE = "sale"
    FREE_TIER = "free-tier"  # indirect remuneration: a free service that leads to a paid one
    QUOTE_REQUEST = "quote-request"
    CONTEST = "contest"
    BUSINESS_CARD = "business-card"


class SourceKind(_Word):
    """Where data came from (GDPR Art. 14(2)(f), 15(1)(g); R-314)."""

    SUBJECT = "subject"
    EMPLOYER = "employer"
    PUBLIC_REGISTER = "public-register"
    POPULATION_REGISTER = "population-register"
    CREDIT_REGISTER = "credit-register"
    BOUGHT_LIST = "bought-list"
    OBSERVED = "observed"  # through the use of a service


class RecipientRole(_Word):
    """What a recipient is to the controller (GDPR Art. 4(7)-(10), 26, 28)."""

    PROCESSOR = "processor"
    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint-controller"


class Right(_Word):
    """Rights of the data subject."""

    INFORMATION = "information"  # 13, 14
    ACCESS = "access"  # 15
    RECTIFICATION = "rectification"  # 16
    ERASURE = "erasure"  # 17
    RESTRICTION = "restriction"  # 18
    PORTABILITY = "portability"  # 20
    OBJECTION = "objection"  # 21(1)
    OBJECTION_TO_MARKETING = "objection-to-marketing"  # 21(2)
    HUMAN_REVIEW = "human-review"  # 22(3)
    WITHDRAW_CONSENT = "withdraw-consent"  # 7(3)


class IntakeChannel(_Word):
    """How a request or a stop reached the controller (R-520: any channel counts)."""

    WEB_FORM = "web-form"
    EMAIL = "email"
    LETTER = "letter"
    PHONE = "phone"
    IN_PERSON = "in-person"
    SOCIAL_MEDIA = "social-media"
    UNSUBSCRIBE_LINK = "unsubscribe-link"
    IMPORT = "import"  # a stop found in an imported file
    OTHER = "other"  # none of these, or not noted


class StopKind(_Word):
    """What kind of stop closed marketing (R-311; R-316 for a prohibition)."""

    OBJECTION = "objection"  # GDPR Art. 21(2)
    PROHIBITION = "prohibition"  # ECSA s. 200(2), 202
    WITHDRAWAL = "withdrawal"  # GDPR Art. 7(3)
    REFUSAL = "refusal"


class RestrictionGround(_Word):
    """GDPR Art. 18(1)."""

    ACCURACY_CONTESTED = "accuracy-contested"  # (a)
    UNLAWFUL = "unlawful"  # (b)
    NEEDED_FOR_CLAIMS = "needed-for-claims"  # (c)
    OBJECTION_PENDING = "objection-pending"  # (d)


class RestrictedUse(_Word):
    """What restricted data may still be used for (GDPR Art. 18(2) and (3), Recital 67)."""

    STORAGE = "storage"  # keeping it, for our own duty or the person's
    CONSENT = "consent"  # the person's, to this use
    LEGAL_CLAIMS = "legal-claims"
    RIGHTS_OF_OTHERS = "rights-of-others"  # of another natural or legal person
    PUBLIC_INTEREST = "public-interest"  # an important one, of the Union or a Member State
    OWN_REQUEST = "own-request"  # what the person asks for: access, correction, a stop
    INFORMING = "informing"  # the person, before the restriction is lifted; recipients, Art. 19


class RefusalGround(_Word):
    """Why a request, or part of it, was refused (GDPR Art. 12(4), 12(5), 15(4), 17(3))."""

    LEGAL_OBLIGATION = "legal-obligation"  # 17(3)(b)
    LEGAL_CLAIMS = "legal-claims"  # 17(3)(e)
    EXPRESSION = "expression"  # 17(3)(a)
    PUBLIC_HEALTH = "public-health"  # 17(3)(c)
    ARCHIVING = "archiving"  # 17(3)(d)
    OTHERS_RIGHTS = "others-rights"  # 15(4), 20(4)
    UNFOUNDED = "unfounded"  # 12(5)
    EXCESSIVE = "excessive"  # 12(5)
    RIGHT_NOT_OPEN = "right-not-open"  # the basis does not open the right
    GROUND_NOT_MET = "ground-not-met"
    DATA_ACCURATE = "data-accurate"  # 16
    COMPELLING_GROUNDS = "compelling-grounds"  # 21(1)
    PUBLIC_TASK = "public-task"  # 17(3)(b)
    CANNOT_IDENTIFY = "cannot-identify"  # 11(2): Art. 15 to 20 do not apply
    NATIONAL_RESTRICTION = "national-restriction"  # DPA-FI s. 34, access only
    NOT_PROVIDED = "not-provided"  # 20(1): inferred, derived, or from others
    NOT_AUTOMATED = "not-automated"  # 20(1)(b)
    NO_AUTOMATED_DECISION = "no-automated-decision"  # 22(1)
    NOT_THE_SUBJECT = "not-the-subject"  # about the dead, a company, somebody else


class IdentityMethod(_Word):
    """How somebody showed who they are (R-522). A copy of a document is no method: none is kept."""

    LOGGED_IN = "logged-in"
    KNOWN_ADDRESS = "known-address"  # an answer from an address we knew before
    KNOWN_FACTS = "known-facts"  # questions only the person can answer
    STRONG_AUTHENTICATION = "strong-authentication"  # bank or certificate
    DOCUMENT_SEEN = "document-seen"  # looked at and noted, never copied


class LetterItem(_Word):
    """What an answer to a request can have to say (GDPR Art. 12(3)-(4); R-528, table 5.2b)."""

    OUTCOME = "outcome"  # what was done
    REFUSED_PART = "refused-part"  # what is refused, also where it is only a part
    REASONS = "reasons"
    ARTICLE = "article"  # the place in the law the reasons rest on
    COMPLAINT = "complaint"  # to the supervisory authority, by name
    REMEDY = "remedy"  # judicial remedy
    CONFIRMATION = "confirmation"  # whether data is processed, 15(1)
    DATA = "data"  # the copy, 15(3)
    ACCESS_FACTS = "access-facts"  # 15(1)(a)-(h)
    TRANSFER_SAFEGUARDS = "transfer-safeguards"  # 15(2)
    REDACTIONS = "redactions"  # what was left out and why, 15(4)
    STATEMENT_OPTION = "statement-option"  # a statement of the person can be attached, 16
    ERASED = "erased"
    KEPT = "kept"  # what stays, and until when
    RESTRICTED_FROM = "restricted-from"  # when the restriction took effect
    TOLD_BEFORE_LIFTING = "told-before-lifting"  # 18(3)
    SCOPE = "scope"  # what a file holds, and why inferred data is not in it, 20
    REMEMBERED = "remembered"  # what is kept to remember a stop
    NOT_RETROACTIVE = "not-retroactive"  # what was done before a withdrawal stays lawful, 7(3)
    LOGIC = "logic"  # of an automated decision
    CONTEST = "contest"  # how to contest it
    NOTICES = "notices"  # the versions in force now and at collection, R-511
    AUTHORITY_ROUTE = "authority-route"  # the data can be given to the authority, DPA-FI s. 34


class ErasureReason(_Word):
    """Why data was erased: GDPR Art. 17(1) grounds, and the controller's own storage limits."""

    NO_LONGER_NECESSARY = "no-longer-necessary"  # 17(1)(a), 5(1)(e)
    CONSENT_WITHDRAWN = "consent-withdrawn"  # 17(1)(b)
    OBJECTED = "objected"  # 17(1)(c)
    UNLAWFUL = "unlawful"  # 17(1)(d)
    LEGAL_DUTY = "legal-duty"  # 17(1)(e)
    CHILD_SERVICE = "child-service"  # 17(1)(f)
    RETENTION_ENDED = "retention-ended"  # 5(1)(e)
    REVIEW_AFTER_END = "review-after-end"  # neither moved nor archived
    MOVED = "moved"  # the original, after its copy went to another filing system
    RECTIFIED = "rectified"  # replaced by the corrected value, 16


class Trigger(_Word):
    """What a retention period counts from (R-408, R-715)."""

    COLLECTION = "collection"
    CONNECTION_END = "connection-end"
    WITHDRAWAL = "withdrawal"  # of the consent, or its end
    LAST_ACTIVITY = "last-activity"  # last act of the person
    CLOSING = "closing"  # of a request, a claim
    CALENDAR_YEAR_OF_FINANCIAL_YEAR_END = "calendar-year-of-financial-year-end"  # vouchers
    FINANCIAL_YEAR_END = "financial-year-end"  # ledgers
    CALENDAR_YEAR_END = "calendar-year-end"  # VAT on real estate
    CLAIM = "claim"  # its due date or the knowledge of the damage; else the connection's end
