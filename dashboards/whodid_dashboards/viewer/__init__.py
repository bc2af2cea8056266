"""The web viewer: pages made on the server over the same readers, query language and sentences as everything else.

    request ─► question (what is asked, in which zone, which page) ─► contents (what the store answers)
            ─► views (plain text for people) ─► templates ─► response

Every view is an address; everything works without JavaScript. What records say is data and nothing else: templates
escape all of it, and links are only ever made by `links`, to pages of ours.
"""
