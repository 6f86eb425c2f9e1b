"""The demo's configuration: the real one with other addresses, and its data in a folder of its own."""

from intake.config import Config, Mailbox, Outgoing, PostFolder, Security

FOLDER = "demo"
USER, PASSWORD = "mirjam@example.nl", "demo"
IMAP_PORT, SMTP_PORT = 1143, 1025


def adapt(config: Config, imap_port: int = IMAP_PORT, smtp_port: int = SMTP_PORT) -> Config:
    """The first shop of a configuration, served by the demo's mail servers on these ports."""
    data = config.data / FOLDER
    access = {"host": "127.0.0.1", "security": Security.PLAIN, "username": USER, "password": PASSWORD}
    # Its server looks for no spam, and says nothing of it: acknowledgements go out all the same.
    quick = {"start": "all", "poll_seconds": 2.0, "timeout_seconds": 20.0, "spam_verdict": "folder"}
    post = {"path": data / "post", "room_address": USER}
    shop = config.shops[0]
    changed = {
        "mailbox": Mailbox.model_validate({**access, **quick, "port": imap_port}),
        "outgoing": Outgoing.model_validate({**access, "port": smtp_port, "sender": USER}),
        "post_folder": PostFolder.model_validate({**post, "stable_seconds": 2, "record_wait_seconds": 10}),
        "manager": shop.manager.model_copy(update={"addresses": (USER,)}),
        "own_domains": ("example.nl",),
    }
    settings = {
        "data": data,
        "database": "",
        "shops": (shop.model_copy(update=changed),),
        "logging": config.logging.model_copy(update={"level": "error"}),
    }
    return config.model_copy(update=settings)
