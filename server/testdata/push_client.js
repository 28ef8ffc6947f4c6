// Asks for /page of the URL, and prints the page, the hints before it, and what is promised with it.
const http2 = require('node:http2')
const session = http2.connect(process.argv[2], {rejectUnauthorized: false})
const lines = []
let open = 1
const done = () => { if (--open === 0) { session.close(); console.log(lines.sort().join('\n')) } }
const read = (stream, name) => {
	let body = ''
	stream.setEncoding('utf8')
	stream.on('data', d => { body += d })
	stream.on('end', () => { lines.push(name + ': ' + body); done() })
}
session.on('stream', (stream, headers) => {
	open++
	read(stream, 'promised ' + headers[':path'])
})
const page = session.request({':path': '/page'})
page.on('headers', h => lines.push('hint ' + h[':status']))
read(page, 'page')
