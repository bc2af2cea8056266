"""What OpenSearch 3.4.0 with the security plugin is put together from: its zip lacks modules that exist as jars only.

CACHE/opensearch-3.4.0-security/modules/<name>/*.jar, plugin-descriptor.properties
                                plugins/opensearch-security/
"""

from pathlib import Path
from typing import NamedTuple

SECURE_VERSION = "3.4.0"
SECURITY = ("org.opensearch.plugin", "opensearch-security", "3.4.0.0", "zip")
COMMONS_COLLECTIONS = ("org.apache.commons", "commons-collections4", "4.5.0", "jar")
"""Without it beside the plugin's jars every user but the admin certificate's is answered 500."""

_PLUGIN = "org.opensearch.plugin"
_CLIENT = "org.opensearch.client"
_SERVER = "org.opensearch"

Artefact = tuple[str, str, str, str]


class Module(NamedTuple):
    """A module: its plugin class, the module it extends, its jars as `group:artefact:version`."""

    name: str
    classname: str
    extends: str
    jars: str

    def artefacts(self) -> list[Artefact]:
        """The jars as Maven knows them."""
        found: list[Artefact] = []
        for jar in self.jars.split():
            group, artefact, version = jar.split(":")
            found.append((group, artefact, version, "jar"))
        return found

    def describe(self, folder: Path) -> None:
        """Write the descriptor that the server wants to see beside the jars."""
        lines = {
            "name": self.name,
            "description": self.name,
            "version": SECURE_VERSION,
            "opensearch.version": SECURE_VERSION,
            "java.version": "21",
            "classname": self.classname,
            "extended.plugins": self.extends,
            "has.native.controller": "false",
        }
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (folder / "plugin-descriptor.properties").write_text(text)


MODULES = (
    Module(
        "aggs-matrix-stats",
        "org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin",
        "",
        f"{_PLUGIN}:aggs-matrix-stats-client:{SECURE_VERSION}",
    ),
    Module(
        "analysis-common",
        "org.opensearch.analysis.common.CommonAnalysisModulePlugin",
        "lang-painless",
        f"{_PLUGIN}:analysis-common:{SECURE_VERSION}",
    ),
    Module(
        "ingest-common",
        "org.opensearch.ingest.common.IngestCommonModulePlugin",
        "lang-painless",
        f"{_PLUGIN}:ingest-common:{SECURE_VERSION} {_SERVER}:opensearch-grok:{SECURE_VERSION} "
        f"{_SERVER}:opensearch-dissect:{SECURE_VERSION} org.jruby.joni:joni:2.2.1 org.jruby.jcodings:jcodings:1.0.58",
    ),
    Module(
        "lang-mustache",
        "org.opensearch.script.mustache.MustacheModulePlugin",
        "",
        f"{_PLUGIN}:lang-mustache-client:{SECURE_VERSION} com.github.spullara.mustache.java:compiler:0.9.14",
    ),
    Module(
        "lang-painless",
        "org.opensearch.painless.PainlessModulePlugin",
        "",
        f"{_PLUGIN}:lang-painless:{SECURE_VERSION} {_PLUGIN}:opensearch-scripting-painless-spi:{SECURE_VERSION} "
        "org.antlr:antlr4-runtime:4.13.1 org.ow2.asm:asm:9.7 org.ow2.asm:asm-util:9.7 org.ow2.asm:asm-tree:9.7 "
        "org.ow2.asm:asm-commons:9.7 org.ow2.asm:asm-analysis:9.7",
    ),
    Module(
        "mapper-extras",
        "org.opensearch.index.mapper.MapperExtrasModulePlugin",
        "",
        f"{_PLUGIN}:mapper-extras-client:{SECURE_VERSION}",
    ),
    Module(
        "parent-join",
        "org.opensearch.join.ParentJoinModulePlugin",
        "",
        f"{_PLUGIN}:parent-join-client:{SECURE_VERSION}",
    ),
    Module(
        "reindex",
        "org.opensearch.index.reindex.ReindexModulePlugin",
        "",
        f"{_PLUGIN}:reindex-client:{SECURE_VERSION} {_CLIENT}:opensearch-rest-client:{SECURE_VERSION} "
        f"{_SERVER}:opensearch-ssl-config:{SECURE_VERSION} org.apache.httpcomponents.client5:httpclient5:5.4.4 "
        "org.apache.httpcomponents.core5:httpcore5:5.3.4 org.apache.httpcomponents.core5:httpcore5-h2:5.3.4 "
        "org.apache.httpcomponents.core5:httpcore5-reactive:5.3.4 commons-codec:commons-codec:1.18.0 "
        "commons-logging:commons-logging:1.2 org.slf4j:slf4j-api:2.0.17",
    ),
)
