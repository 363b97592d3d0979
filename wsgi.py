"""gunicorn's entry to the role `web`: `gunicorn wsgi:application`. Configured by the environment like every role."""

from bridge.web_role import create_application

application = create_application()
